"""What an instructor writes: the sources of modules, and assignments of other kinds."""
