# Saves a session's shell state, for shelldump.py to read. Sourced at the end of a command, by the wrapper or the EXIT
# trap, with the file to write as $__daytona_rpc_f and the exit status as $__daytona_rpc_s; output is off.
if \[ -z "${__daytona_rpc_done-}" ]; then
  __daytona_rpc_done=1
  {
    \set +o
    \set +aefuvx
    \unset -f command printf umask alias
    \printf '\0'
    \unset -v DAYTONA_API_KEY DAYTONA_JWT_TOKEN
    \set
    \printf '\0'
    \export -p
    \printf '\0'
    \readonly -p
    \printf '\0'
    \alias
    \printf '\0umask '
    \umask
    \printf '\0=end\0'
  } >|"$__daytona_rpc_f"
fi
\return "$__daytona_rpc_s"
