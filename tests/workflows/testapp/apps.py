from django.apps import AppConfig


class TestAppConfig(AppConfig):
    name = "tests.workflows.testapp"
    label = "testapp"
