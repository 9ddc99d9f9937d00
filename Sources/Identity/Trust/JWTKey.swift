import Crypto

/// A public key that a trust domain signs JWT-SVIDs with, as its bundle publishes it (RFC 7517, 4 and RFC 7518, 6).
///
/// A value without a library behind it: whoever verifies tokens makes a key of the parameters, which have been checked
/// here, the point to be on its curve and the modulus to be long enough.
public struct JWTKey: Sendable, Hashable {
    /// A curve of ECDSA.
    public enum Curve: String, Sendable, Hashable, CaseIterable {
        /// NIST P-256, for `ES256`.
        case p256 = "P-256"
        /// NIST P-384, for `ES384`.
        case p384 = "P-384"
        /// NIST P-521, for `ES512`.
        case p521 = "P-521"

        /// The bytes of a coordinate.
        var coordinateLength: Int {
            switch self {
            case .p256: 32
            case .p384: 48
            case .p521: 66
            }
        }
    }

    /// The numbers of a key, most significant byte first.
    public enum Parameters: Sendable, Hashable {
        /// A point: both coordinates in the curve's full length.
        case elliptic(Curve, x: [UInt8], y: [UInt8])
        /// An RSA key of 2,048 to 8,192 bits, without leading zeros.
        case rsa(modulus: [UInt8], exponent: [UInt8])
    }

    /// What a token's header names the key by (`kid`): 1 to 255 bytes.
    public let identifier: String
    /// The only algorithm that the key is for (`alg`), such as `ES256`, where its bundle says so.
    public let algorithm: String?
    /// The key itself.
    public let parameters: Parameters

    /// Makes a key.
    ///
    /// - Parameters:
    ///   - parameters: the key itself.
    ///   - identifier: 1 to 255 bytes; nil for the key's ``thumbprint``.
    ///   - algorithm: the only algorithm that it is for; nil for any that fits the parameters.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/keyNotAllowed`` that says what is wrong with it.
    public init(_ parameters: Parameters, identifier: String? = nil, algorithm: String? = nil) throws(IdentityError) {
        if let problem = Self.problem(with: parameters) { throw IdentityError(.keyNotAllowed, problem) }
        let identifier = identifier ?? Self.thumbprint(of: parameters)
        guard (1...255).contains(identifier.utf8.count) else {
            throw IdentityError(
                .keyNotAllowed, "expected a key's kid of 1 to 255 bytes, found \(identifier.utf8.count)")
        }
        self.identifier = identifier
        self.algorithm = algorithm
        self.parameters = parameters
    }

    /// The key's thumbprint: base64url of the SHA-256 of its required members (RFC 7638), which is the same in every
    /// program.
    public var thumbprint: String { Self.thumbprint(of: parameters) }

    private static func thumbprint(of parameters: Parameters) -> String {
        // RFC 7638, 3.3: the members in the order of their names, without space.
        let members = jsonMembers(of: parameters).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return Base64URL.encode(SHA256Fingerprint(of: JSON.object(members).bytes).bytes)
    }

    /// The members that say which key it is (RFC 7518, 6.2.1 and 6.3.1).
    static func jsonMembers(of parameters: Parameters) -> [JSON.Member] {
        switch parameters {
        case .elliptic(let curve, let x, let y):
            [
                JSON.Member("kty", .string("EC")), JSON.Member("crv", .string(curve.rawValue)),
                JSON.Member("x", .string(Base64URL.encode(x))), JSON.Member("y", .string(Base64URL.encode(y))),
            ]
        case .rsa(let modulus, let exponent):
            [
                JSON.Member("kty", .string("RSA")), JSON.Member("n", .string(Base64URL.encode(modulus))),
                JSON.Member("e", .string(Base64URL.encode(exponent))),
            ]
        }
    }

    private static func problem(with parameters: Parameters) -> String? {
        switch parameters {
        case .elliptic(let curve, let x, let y):
            let length = curve.coordinateLength
            guard x.count == length, y.count == length else {
                return "expected coordinates of \(length) bytes on \(curve.rawValue), found \(x.count) and \(y.count)"
            }
            return isPoint(x, y, on: curve) ? nil : "expected a point on \(curve.rawValue), found one that is not"
        case .rsa(let modulus, let exponent):
            let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
            guard modulus.first != 0, (2_048...8_192).contains(bits), modulus.last.map({ $0 & 1 == 1 }) == true else {
                return "expected an odd RSA modulus of 2048 to 8192 bits without leading zeros, found \(bits) bits"
            }
            // Larger ones only make verifying slow; every library refuses them somewhere.
            let value = exponent.count <= 4 ? exponent.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } : 0
            guard exponent.first != 0, value >= 3, value & 1 == 1 else {
                return "expected an odd RSA exponent from 3 to 4 bytes long, found \(exponent.count) bytes"
            }
            return nil
        }
    }

    private static func isPoint(_ x: [UInt8], _ y: [UInt8], on curve: Curve) -> Bool {
        let point = [0x04] + x + y
        return switch curve {
        case .p256: (try? P256.Signing.PublicKey(x963Representation: point)) != nil
        case .p384: (try? P384.Signing.PublicKey(x963Representation: point)) != nil
        case .p521: (try? P521.Signing.PublicKey(x963Representation: point)) != nil
        }
    }
}
