"""The ways by which somebody is told of an exception. Nothing here knows a model: who tells whom stands above."""
