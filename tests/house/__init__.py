"""Tests that hold the house together: floors, rooms, words, shapes, files. Each says in its failure what to do."""
