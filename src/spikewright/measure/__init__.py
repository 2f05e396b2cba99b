"""What a network costs and how well it does, one metric a file; units are in the names.

Every figure is a pure function of a plan, a blueprint, a source, or the spike counts that an engine recorded.
"""
