"""The scoreboard: what the workers of one host know together about the members of balancers.

``status`` has the states, ``layout`` says where each number lies, ``memory`` has the memory and
the locks, ``pool`` is the part of one balancer and ``board`` the whole, ``rows`` says who counts
where and ``configured`` what the file says of a pool.
"""
