"""A record as a table, as pictures, and as a page that holds both."""
