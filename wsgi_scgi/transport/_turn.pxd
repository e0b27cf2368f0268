# What other extensions of the package may use without Python in between.

cdef class Departure:
    cdef object _greenlet

    cdef void depart(self) noexcept


cdef class Turn:
    cdef object _loop
    cdef list _waiting
    cdef list _departed
    cdef bint _ends

    cdef int join(self, hub, Departure departure) except -1
    cdef int _depart(self) except -1
