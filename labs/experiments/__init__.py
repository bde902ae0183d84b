"""What one lesson measures, one module each."""
