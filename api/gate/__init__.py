"""What every dialect of the gate stands on: keys and limits, the desk, refusals, the server."""
