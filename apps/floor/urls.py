from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from apps.floor import andon, blocked, calls, duty, home, line, losses, machine, phone, phone_channels, stops, views

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
    path("station/<str:site>/<str:code>/call-qualified/", calls.skill_view, name="call_skill"),
    path("station/<str:site>/<str:code>/ring/", calls.ring_view, name="ring_again"),
    path("station/<str:site>/<str:code>/machine-stopped/", machine.stopped_view, name="machine_stopped"),
    path("station/<str:site>/<str:code>/machine-runs/", machine.runs_view, name="machine_runs"),
    path("station/<str:site>/<str:code>/machine-why/", machine.why_view, name="machine_why"),
    path("station/<str:site>/<str:code>/sign-in/", views.sign_in, name="sign_in"),
    path("station/<str:site>/<str:code>/sign-out/", views.sign_out, name="sign_out"),
    path("station/<str:site>/<str:code>/enrol/", home.enrol_station, name="enrol_station"),
    path("andon/<str:site>/", andon.andon_board, name="andon"),
    path("andon/<str:site>/<int:pk>/", andon.exception_page, name="exception"),
    path("phone/", phone.mine, name="phone"),
    path("phone/accept-all/", phone.accept_all, name="phone_accept_all"),
    path("phone/duty/", duty.duty_page, name="duty"),
    path("phone/duty/<slug:act>/", duty.duty_act, name="duty_act"),
    path(
        "phone/sign-in/",
        LoginView.as_view(template_name="floor/phone_sign_in.html", next_page="floor:phone"),
        name="phone_sign_in",
    ),
    path("phone/sign-out/", LogoutView.as_view(next_page="floor:phone_sign_in"), name="phone_sign_out"),
    path("phone/<int:pk>/", phone.one, name="phone_one"),
    path("phone/<int:pk>/panel/", phone.panel, name="phone_panel"),
    path("phone/<int:pk>/people/", phone.people, name="phone_people"),
    path("phone/<int:pk>/ways/", phone.ways, name="phone_ways"),
    path("phone/<int:pk>/<slug:act>/", phone.answer, name="phone_answer"),
    path("line/<str:site>/<str:code>/", line.line_screen, name="line"),
    path("line/<str:site>/<str:code>/target/", line.set_target_view, name="set_target"),
    path("line/<str:site>/<str:code>/losses/", losses.losses_screen, name="losses"),
    path("line/<str:site>/<str:code>/enrol/", home.enrol_board, name="enrol_board"),
    path("stops/<str:site>/", stops.stops_page, name="stops"),
    path("stops/<str:site>/why/", stops.explain_view, name="explain_stops"),
    path("blocked/<str:site>/", blocked.blocked_screen, name="blocked"),
    path("blocked/<str:site>/panel/", blocked.blocked_panel, name="blocked_panel"),
    path("blocked/<str:site>/cure/", blocked.apply_cure_view, name="apply_cure"),
]

urlpatterns += [
    path("phone/push.js", phone_channels.push_script, name="push_script"),
    path("phone/channels/", phone_channels.channels_page, name="phone_channels"),
    path("phone/channels/add/", phone_channels.add_view, name="add_channel"),
    path("phone/channels/push/save/", phone_channels.save_push_view, name="save_push"),
    path("phone/channels/push/drop/", phone_channels.drop_push_view, name="drop_push"),
    path("phone/channels/<int:pk>/<slug:act>/", phone_channels.channel_view, name="channel"),
]
