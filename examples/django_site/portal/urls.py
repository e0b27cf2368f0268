"""The site's own pages, and the old application below /legacy/."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path, re_path

from wsgi_scgi import SCGIApplication
from wsgi_scgi.django import view

legacy = view(SCGIApplication("scgi://127.0.0.1:4000", path_info=True))


def home(request):
    """Say who is logged in."""
    return HttpResponse(f"Hello {request.user.get_username() or 'stranger'}\n")


urlpatterns = [
    path("", home),
    path("admin/", admin.site.urls),
    re_path(r"^legacy/(?P<path>.*)$", login_required(legacy)),
]
