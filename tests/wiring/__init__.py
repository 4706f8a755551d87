"""The wiring, proved by use: whatever is taken out of `template.yaml`, a test fails (`make wiring`)."""
