"""JSON-RPC sidecar that lets editors run commands in sessions, here or in Daytona sandboxes."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Reading package metadata costs milliseconds that only `--version` and `initialize` should pay.
    if name == "__version__":
        from importlib.metadata import version

        return version("daytona-rpc")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
