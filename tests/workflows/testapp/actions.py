from apps.core.rights import declare

RUN_THING = declare("testapp.run_thing", "run things")
