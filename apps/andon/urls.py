from __future__ import annotations

from django.urls import path

from apps.andon import views

app_name = "andon"
urlpatterns = [path("health/andon", views.andon_health, name="health")]
