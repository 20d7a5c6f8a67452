"""What people ask and configure from inside Discord: application commands, their answers and their buttons."""
