"""A Django site that forwards /legacy/ for those who have logged in to it.

$ python manage.py migrate
$ python manage.py createsuperuser
$ gunicorn --worker-class gevent portal.wsgi
"""
