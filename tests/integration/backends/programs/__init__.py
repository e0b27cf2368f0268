"""The programs that the SCGI servers of these tests run."""
