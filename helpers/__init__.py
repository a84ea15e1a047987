"""The library behind the four notebooks of the course."""
