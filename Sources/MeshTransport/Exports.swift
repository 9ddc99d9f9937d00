// A service's messages are MeshWire's: a host that imports the transport alone can write them.
@_exported public import MeshWire
