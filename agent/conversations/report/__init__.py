"""What the sides came to as pictures, as one page that holds everything, and as a table."""
