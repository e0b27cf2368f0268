# What other extensions of the package may use without Python in between.

from wsgi_scgi.transport._turn cimport Turn


cdef class Recipient:
    cdef object client
    cdef object path
    cdef object address
    cdef dict names
    cdef dict statuses
    cdef int descriptor
    cdef object hub
    cdef Turn turn

    cdef int send(self, bytes head, bytes body, Py_ssize_t size) except -1


cdef class UsualAnswer:
    cdef Recipient recipient
    cdef dict environ
    cdef object method
    cdef object uri
    cdef object status
    cdef object response
    cdef tuple fields
    cdef bytes head
    cdef Py_ssize_t length
    cdef Py_ssize_t sent
    cdef bint must_close
    cdef bint omits_body
    cdef bint is_begun
    cdef bint is_handled

    cdef bint take_head(self, status, headers) except -1
    cdef int put(self, data) except -1
    cdef int finish(self) except -1
    cdef int end(self) except -1
    cdef bint should_close(self) except -1
    cdef reference(self)
