"""The int8 engine: a lowered network on bytes."""
