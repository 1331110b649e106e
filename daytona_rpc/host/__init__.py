"""A session host: the detached process that owns one session's commands, log and state.

Standard library only, light modules only, and nothing from outside this folder: a host starts in
tens of milliseconds, stays near the size of bare Python, and the folder can be uploaded as it is.
It is written for Python 3.8 and newer for that reason. The sidecar imports `paths`, `records`,
`logreader` and `recovery` from here, since it reads the same files.
"""
