"""JSON-RPC sidecar that lets editors run commands in sessions, here or in Daytona sandboxes."""

__version__ = "0.1.0"
