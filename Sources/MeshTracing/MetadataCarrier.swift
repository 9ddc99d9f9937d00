import MeshWire
import Tracing

/// Writes what travels with a call into its metadata, whose keys are in lower case, as HTTP/2's field names are.
struct MetadataInjector: Injector {
    /// Bytes would need a key of gRPC's own kind; what is no text of one line cannot travel over every wire, and is
    /// left out.
    func inject(_ value: String, forKey key: String, into carrier: inout Metadata) {
        let key = key.lowercased()
        guard Self.isFieldName(key), !key.hasSuffix("-bin"), !value.isEmpty,
            value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            return
        }
        carrier.append(Metadata.Entry(key: key, value: value))
    }

    /// A token (RFC 9110, 5.6.2).
    private static func isFieldName(_ key: String) -> Bool {
        !key.isEmpty
            && key.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}

/// Reads what came with a call.
struct MetadataExtractor: Extractor {
    /// The value under a key. Where it came more than once, all of them as one list (RFC 9110, 5.2), but of two
    /// `traceparent`s neither is to be believed.
    func extract(key: String, from carrier: Metadata) -> String? {
        let key = key.lowercased()
        var found: String?
        for entry in carrier where entry.key == key && entry.bytes.isEmpty {
            guard let earlier = found else {
                found = entry.value
                continue
            }
            if key == "traceparent" { return nil }
            found = earlier + "," + entry.value
        }
        return found
    }
}
