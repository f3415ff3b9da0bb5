"""The commands of `runt`, a module each; each names its own `command`."""
