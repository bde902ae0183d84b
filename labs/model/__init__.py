"""What a lab is about, as plain data: facts with a time, and the topology."""
