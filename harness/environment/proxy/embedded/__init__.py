"""A TCP proxy in asyncio that speaks Toxiproxy's HTTP API: the fallback where Toxiproxy itself is not installed.

Started by ``harness.environment.proxy.proxy`` as ``python -m harness.environment.proxy.embedded --host H --port P``,
never imported by it. It knows the toxics of ``harness.environment.proxy.toxics``, behaves as Toxiproxy 2.12 does, its
quirks included, and passes the same conformance tests. Two things differ on purpose: a slicer without a size is
refused (it crashes Toxiproxy), and a control call never waits for data to flow. It is no replacement
for load: one process, one core.

``stage`` is one place in the path of one connection's data, ``effects`` what can be done there, ``connection`` the
path, ``link`` a listener with its toxics, ``control`` the HTTP API.
"""
