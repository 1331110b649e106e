# Restores a session's shell state. Sourced by the wrapper of shell.py, in a fresh non-interactive bash, with
#   $1 the saved variables ('' at first)    $2 the code that saves ('' to save nothing)
#   $3 names given for this command alone ("NAME", or "-NAME" for a removed one)
#   $4 a file that holds the text ('' if it is $5)    $5 the text
# Commands are \builtin and quoted: functions come from the environment or the saved state. No function named
# builtin ever does. While this file is parsed no alias is on.
\builtin shopt -u expand_aliases
__daytona_rpc_text=$5 __daytona_rpc_pre= __daytona_rpc_set= __daytona_rpc_readonly= __daytona_rpc_aliases=on
if [[ -n $4 ]]; then
  IFS= \builtin read -r -d '' __daytona_rpc_text <"$4"
  \builtin command -p rm -f -- "$4"
fi

# BASH_ENV is for the first shell of a session: from then on its effect is part of the state.
if [[ -n ${__daytona_rpc_bash_env+set} ]]; then
  BASH_ENV=$__daytona_rpc_bash_env
  \builtin unset -v __daytona_rpc_bash_env
  \builtin export BASH_ENV
fi

# What is given for this command alone steps aside, or the saved variables would replace it.
__daytona_rpc_names=() __daytona_rpc_values=()
for __daytona_rpc_n in $3; do
  __daytona_rpc_names+=("$__daytona_rpc_n")
  __daytona_rpc_n=${__daytona_rpc_n#-}
  __daytona_rpc_values+=("${!__daytona_rpc_n-}")
  \builtin unset -v "$__daytona_rpc_n"
done 2>/dev/null

__daytona_rpc_vars=$1 __daytona_rpc_trap=$2
\builtin set --
if [[ -n $__daytona_rpc_vars ]]; then
  \builtin eval "\\builtin shopt -u ${BASHOPTS//:/ }"
  \builtin shopt -s extglob # functions may hold such patterns; the saved options follow them
  \builtin . "$__daytona_rpc_vars"
fi >/dev/null 2>&1

for __daytona_rpc_i in "${!__daytona_rpc_names[@]}"; do
  __daytona_rpc_n=${__daytona_rpc_names[__daytona_rpc_i]#-}
  \builtin unset -v "$__daytona_rpc_n"
  [[ ${__daytona_rpc_names[__daytona_rpc_i]} == -* ]] ||
    \builtin export "$__daytona_rpc_n=${__daytona_rpc_values[__daytona_rpc_i]}"
done 2>/dev/null
[[ -z $__daytona_rpc_readonly ]] || \builtin eval "\\builtin readonly $__daytona_rpc_readonly"
if [[ -n $__daytona_rpc_trap ]]; then
  \builtin trap -- "$__daytona_rpc_trap" EXIT
  # A text that sets an EXIT trap of its own would take ours away, so for its sake trap is a function that puts ours
  # before the user's. It would be in the way of the traps that are sensitive to functions.
  if [[ $__daytona_rpc_text == *trap*EXIT* && $__daytona_rpc_text != *@(RETURN|DEBUG|ERR)* ]] &&
    ! \builtin declare -F trap >/dev/null; then
    trap() {
      { \builtin local -; \builtin set +vx; } 2>/dev/null
      \builtin local before
      before=$(\builtin trap -p EXIT)
      \builtin trap "$@" || \builtin return
      [[ $BASH_SUBSHELL == 0 ]] || \builtin return 0
      \builtin eval "\\builtin set -- $before"
      before=${3-}
      \builtin eval "\\builtin set -- $(\builtin trap -p EXIT)"
      [[ ${3-} == *__daytona_rpc_s* ]] || \builtin trap -- "${before%%$'\n'*}"$'\n'"${3-}" EXIT
    }
  fi
fi

# The wrapper calls this with the text and evaluates $_, the text again: nothing of ours is left by then.
__daytona_rpc() {
  \builtin local s="$__daytona_rpc_set" a="$__daytona_rpc_aliases"
  \builtin unset -v __daytona_rpc_text __daytona_rpc_pre __daytona_rpc_set __daytona_rpc_readonly \
    __daytona_rpc_aliases __daytona_rpc_names __daytona_rpc_values __daytona_rpc_n __daytona_rpc_i \
    __daytona_rpc_vars __daytona_rpc_trap BASH_EXECUTION_STRING
  \builtin unset -f __daytona_rpc
  [[ -z $a ]] || \builtin shopt -s expand_aliases
  [[ -z $s ]] || \builtin eval "\\builtin set $s"
} 2>/dev/null
__daytona_rpc_text=$__daytona_rpc_pre$__daytona_rpc_text
