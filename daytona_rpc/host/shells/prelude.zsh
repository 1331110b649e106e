# Restores a session's shell state. Sourced by the wrapper of shell.py, in a fresh non-interactive zsh -f, with
#   $1 the saved variables ('' at first)    $2 code that arranges the saving ('' to save nothing)
#   $3 names given for this command alone ("NAME", or "-NAME" for a removed one)
#   $4 a file that holds the text ('' if it is $5)    $5 the text
# Commands are preceded by builtin, since functions may have any name; none named builtin is ever restored.
__daytona_rpc_text=$5 __daytona_rpc_n= __daytona_rpc_vars=$1 __daytona_rpc_names=(${=3})
__daytona_rpc_on=() __daytona_rpc_off=()
builtin typeset -A __daytona_rpc_given
if [[ -n $4 ]]; then
  IFS= builtin read -r -d '' __daytona_rpc_text <$4
  command -p rm -f -- $4
fi
for __daytona_rpc_n in $__daytona_rpc_names; do
  [[ $__daytona_rpc_n == -* ]] || __daytona_rpc_given[$__daytona_rpc_n]=${(P)__daytona_rpc_n}
done
builtin eval $2
builtin set --

# ~/.zshenv is for the first shell of a session: from then on its effect is part of the state. So zsh runs with -f.
if [[ -n $__daytona_rpc_vars ]]; then
  builtin emulate zsh
  builtin unsetopt aliases # or they would be expanded in the functions
  builtin source $__daytona_rpc_vars >/dev/null 2>&1
  builtin cd -q -- $__daytona_rpc_oldpwd 2>/dev/null && builtin cd -q -- $OLDPWD # zsh takes none over
else
  builtin setopt rcs
  [[ ! -r ${ZDOTDIR-$HOME}/.zshenv ]] || builtin source ${ZDOTDIR-$HOME}/.zshenv
fi

for __daytona_rpc_n in $__daytona_rpc_names; do
  if [[ $__daytona_rpc_n == -* ]]; then
    builtin unset ${__daytona_rpc_n#-}
  else
    builtin export "$__daytona_rpc_n=$__daytona_rpc_given[$__daytona_rpc_n]"
  fi
done 2>/dev/null

# The wrapper evaluates this: nothing of ours is left when the user's first word is read, and nothing was traced.
# The other options are set before it is parsed, for some change how; nothing can be set without exec.
__daytona_rpc_late=(xtrace verbose errexit errreturn)
__daytona_rpc_late=(${__daytona_rpc_on:*__daytona_rpc_late})
__daytona_rpc_text="{ \\builtin unset __daytona_rpc_text __daytona_rpc_n __daytona_rpc_vars __daytona_rpc_names\
 __daytona_rpc_given __daytona_rpc_on __daytona_rpc_off __daytona_rpc_late __daytona_rpc_oldpwd ZSH_EXECUTION_STRING;\
 \\builtin setopt exec ${(j: :)__daytona_rpc_late}; } 2>/dev/null || :;$__daytona_rpc_text"
if [[ -n $__daytona_rpc_on ]]; then
  __daytona_rpc_off=(${(k)options[(R)on]:#exec})
  builtin unsetopt noexec ${__daytona_rpc_off:|__daytona_rpc_on}
  builtin setopt exec ${__daytona_rpc_on:|__daytona_rpc_late}
fi 2>/dev/null
