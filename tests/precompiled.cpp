// Nothing of its own: a target to hang the precompiled headers on.
