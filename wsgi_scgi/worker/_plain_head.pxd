# What other extensions of the package may use without Python in between.

cdef dict environ_of(
    bytes data,
    Py_ssize_t end,
    object base,
    Py_ssize_t longest_line,
    Py_ssize_t most_fields,
    Py_ssize_t longest_field,
)
