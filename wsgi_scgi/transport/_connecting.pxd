cdef class Connection:
    cdef public int fd
    cdef public object waiter
    cdef public object target
    cdef object _socket
