"""The live picture of an instance: floors, areas, entities, exposure and states."""
