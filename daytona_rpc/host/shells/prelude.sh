# Restores a session's shell state. Sourced by the wrapper of shell.py, in a fresh dash, busybox or other POSIX sh, with
#   $1 the saved variables ('' at first)    $2 the code that saves ('' to save nothing)
#   $3 names given for this command alone ("NAME", or "-NAME" for a removed one)
#   $4 a file that holds the text ('' if it is $5)    $5 the text
# Functions cannot be told by these shells, so none is ever restored.
__daytona_rpc_text=$5 __daytona_rpc_names=$3 __daytona_rpc_vars=$1 __daytona_rpc_set= __daytona_rpc_readonly=
[ -z "$2" ] || trap -- "$2" EXIT
if [ -n "$4" ]; then
  __daytona_rpc_text=$(command -p cat -- "$4" && printf x)
  __daytona_rpc_text=${__daytona_rpc_text%?}
  command -p rm -f -- "$4"
fi
set --

# What is given for this command alone steps aside, or the saved variables would replace it.
for __daytona_rpc_n in $__daytona_rpc_names; do
  eval "__daytona_rpc_v_${__daytona_rpc_n#-}=\${${__daytona_rpc_n#-}-}"
done
# From here on aliases may be set.
[ -z "$__daytona_rpc_vars" ] || . "$__daytona_rpc_vars"
__daytona_rpc_ifs=${IFS-none}
IFS=' '
for __daytona_rpc_n in $__daytona_rpc_names; do
  \unset -v "${__daytona_rpc_n#-}"
  case $__daytona_rpc_n in
    -*) ;;
    *) \eval "\\export $__daytona_rpc_n=\"\$__daytona_rpc_v_$__daytona_rpc_n\"" ;;
  esac
  \unset -v "__daytona_rpc_v_${__daytona_rpc_n#-}"
done
case " $__daytona_rpc_names " in
  *" IFS "*) ;;
  *) if \[ "$__daytona_rpc_ifs" = none ]; then \unset -v IFS; else IFS=$__daytona_rpc_ifs; fi ;;
esac
\[ -z "$__daytona_rpc_readonly" ] || \eval "\\readonly $__daytona_rpc_readonly"

# The wrapper evaluates this: nothing of ours is left when the user's first word is read, and nothing was traced.
__daytona_rpc_text="\\unset -v __daytona_rpc_text __daytona_rpc_names __daytona_rpc_vars __daytona_rpc_set \
__daytona_rpc_readonly __daytona_rpc_n __daytona_rpc_ifs BASH_EXECUTION_STRING;${__daytona_rpc_set:+\\set $__daytona_rpc_set;}\
$__daytona_rpc_text"
