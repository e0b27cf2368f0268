cdef class Connection:
    cdef public int fd
    cdef readonly Py_ssize_t sent
    cdef public object waiter
    cdef public object target
    cdef object _socket
