from __future__ import annotations

from django.urls import path

from apps.floor import calls, home, line, views

app_name = "floor"
urlpatterns = [
    path("", home.home, name="home"),
    path("station/<str:site>/<str:code>/", views.station_screen, name="station"),
    path("station/<str:site>/<str:code>/panel/", views.station_panel, name="panel"),
    path("station/<str:site>/<str:code>/take-edge/", views.take_edge_view, name="take_edge"),
    path("station/<str:site>/<str:code>/confirm/", views.confirm_view, name="confirm"),
    path("station/<str:site>/<str:code>/undo/", views.undo_view, name="undo"),
    path("station/<str:site>/<str:code>/record-step/", views.record_step_view, name="record_step"),
    path("station/<str:site>/<str:code>/clock/", views.clock_view, name="clock"),
    path("station/<str:site>/<str:code>/call/", calls.call_view, name="call"),
    path("station/<str:site>/<str:code>/safety/", calls.safety_view, name="safety"),
    path("station/<str:site>/<str:code>/sign-in/", views.sign_in, name="sign_in"),
    path("station/<str:site>/<str:code>/sign-out/", views.sign_out, name="sign_out"),
    path("station/<str:site>/<str:code>/enrol/", home.enrol_station, name="enrol_station"),
    path("line/<str:site>/<str:code>/", line.line_screen, name="line"),
    path("line/<str:site>/<str:code>/target/", line.set_target_view, name="set_target"),
    path("line/<str:site>/<str:code>/enrol/", home.enrol_board, name="enrol_board"),
]
