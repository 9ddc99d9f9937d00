import Identity
import SwiftASN1

/// Certificates and requests that OpenSSL 3.0 made, valid from 2026 to 2126, for rules that our own authority cannot be
/// made to break and to be sure that what others write can be read.
enum OpenSSLFixtures {
    /// A time within the validity of every certificate here.
    static let now = UnixTime(seconds: 2_000_000_000)

    private static func der(_ pem: String) -> [UInt8] {
        (try? PEMDocument(pemString: pem).derBytes) ?? []
    }

    /// An RSA-2048 root with the URI `spiffe://example.org`, signed with SHA-256.
    static let rsaRoot = der(
        """
        -----BEGIN CERTIFICATE-----
        MIIDGTCCAgGgAwIBAgIUYkTcXZ3/ZHgL1mKGZ+LrN2nOgHswDQYJKoZIhvcNAQEL
        BQAwEzERMA8GA1UEAwwIcnNhIHJvb3QwIBcNMjYxMTIzMTg1NzA4WhgPMjEyNjEw
        MzAxODU3MDhaMBMxETAPBgNVBAMMCHJzYSByb290MIIBIjANBgkqhkiG9w0BAQEF
        AAOCAQ8AMIIBCgKCAQEAppas3cifTTVIdbhmZcITf/xdwbbDNxjx1KgGYLNDIMfc
        Fok8wBRrlsjQbK5q4x94Ja9NvptqhtcLBXCZcI52KzZJoOJQzchLBkcKFhnQyGRz
        1ybUab0rGoBICFXA5Mkc+e99Sjg2Knsu63RSoTCA9bKZ7ryhegKo0Nfqwx+Iuy86
        IQSgssHPJh3ig+aeR+MbkbxY8vh3P7G8QfKG8DbuukI99vquFStuKwpJidArm3Lz
        RGVIDUjfHNaQ2/7wc6MI4GuHyJ9cpO8ZKz6nO53jpasHKiwl6Br3C68NiGMgDrcN
        oRY/bNQnm1wJcx0xF8BdcHLLrEptAuJUG24fF1D42wIDAQABo2MwYTAPBgNVHRMB
        Af8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAfBgNVHREEGDAWhhRzcGlmZmU6Ly9l
        eGFtcGxlLm9yZzAdBgNVHQ4EFgQUrjdV+0ka2K5Vz8W5O32I4e0IdD8wDQYJKoZI
        hvcNAQELBQADggEBACcIl+KysXm3jLCDMDhzSJpK7soAP1apRam1L19IlQC2k0OK
        eCHJ9gO1+ZLl+SrB8fP0johVXxT4Ls4AyLobjYR/NLzwAKC1QWkM4LfcYZwuHiju
        jPSp0wSNB1PnuleoCtYMnkDP9YbwTOdT5HutUUc2FKjBcRIvOaueNZo6E8WApajG
        sFZAUdvUuADEGfGUEMGGNPjVHbFLMF/kVlTbK/T/QH3dbBT9L1xGwi3cR8pR1FQm
        7+WWyDtYMjFGKhp0RKFokUDwWg+wo0DgAG+ldG6OwQQr99zdiAmm8cj7/itv2EVE
        WHnXOgK+7M5Q44Ek5oh3N+S9r7KN3ZJBZEO9rUA=
        -----END CERTIFICATE-----
        """)

    /// A P-256 leaf, `spiffe://example.org/openssl`, that the root signed with SHA-1.
    static let leafSignedWithSHA1 = der(
        """
        -----BEGIN CERTIFICATE-----
        MIICojCCAYqgAwIBAgIUAih6fNdZy26u+Jw4nsmigWFk8K0wDQYJKoZIhvcNAQEF
        BQAwEzERMA8GA1UEAwwIcnNhIHJvb3QwIBcNMjYxMTIzMTg1NzA4WhgPMjEyNjEw
        MzAxODU3MDhaMA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMB
        BwNCAATIWyl0kxU/hQar2Ev8slB30XxMUKJGlv44s6UmzKXJGsPuuTN+/szO7WRj
        WVHAZ8n0DbaqRSLejQqdQ9jfnc7jo4G6MIG3MAwGA1UdEwEB/wQCMAAwDgYDVR0P
        AQH/BAQDAgeAMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjA4BgNVHREE
        MTAvhhxzcGlmZmU6Ly9leGFtcGxlLm9yZy9vcGVuc3Nsgglsb2NhbGhvc3SHBH8A
        AAEwHQYDVR0OBBYEFDG56iZW9EBFBHwu+WWNLmdIzResMB8GA1UdIwQYMBaAFK43
        VftJGtiuVc/FuTt9iOHtCHQ/MA0GCSqGSIb3DQEBBQUAA4IBAQBDAtkqSzzzXxho
        EYEt/AFX7Sg5lfmpo+1yryNFJMQ48uHOjkGDw0QNDDufUvIoKuChwxwv6/F+7Emd
        xHOFJYbw4dVYVe0UTzO2+mt8uKqbSiRt/64p2U/WBZiUUFh3WgneXYjTbS8gnRkS
        3CrYGEwQd/4hKz0VYdgJumeGYwmwjh3ZrcagrUsCJDF38HLFojNd7xoFmmM58pzI
        eaWiLMq5wGi7aBhudJewDnQgshvcw8565K9zVSJo8/Ll3G1aEcFBccXD3HzIgiIX
        dPkNT8Rray4+IWGkjmDtCuEqn82q9j9VJ6wUdU/5GyhagUlQF9ENVTnqlbHfo15E
        bFh6mIBr
        -----END CERTIFICATE-----
        """)

    /// The same leaf, signed with SHA-256.
    static let leafSignedWithSHA256 = der(
        """
        -----BEGIN CERTIFICATE-----
        MIICojCCAYqgAwIBAgIUAih6fNdZy26u+Jw4nsmigWFk8K4wDQYJKoZIhvcNAQEL
        BQAwEzERMA8GA1UEAwwIcnNhIHJvb3QwIBcNMjYxMTIzMTg1NzA4WhgPMjEyNjEw
        MzAxODU3MDhaMA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMB
        BwNCAATIWyl0kxU/hQar2Ev8slB30XxMUKJGlv44s6UmzKXJGsPuuTN+/szO7WRj
        WVHAZ8n0DbaqRSLejQqdQ9jfnc7jo4G6MIG3MAwGA1UdEwEB/wQCMAAwDgYDVR0P
        AQH/BAQDAgeAMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjA4BgNVHREE
        MTAvhhxzcGlmZmU6Ly9leGFtcGxlLm9yZy9vcGVuc3Nsgglsb2NhbGhvc3SHBH8A
        AAEwHQYDVR0OBBYEFDG56iZW9EBFBHwu+WWNLmdIzResMB8GA1UdIwQYMBaAFK43
        VftJGtiuVc/FuTt9iOHtCHQ/MA0GCSqGSIb3DQEBCwUAA4IBAQBfgKQSinMT6JkB
        ORNXQFJdCM1L21dhZVhlgb1Oj+trydbLbx1J3+P385LHUsVlDJ0GkROFmbketTHt
        4kumz0dEggqyxAOLU/ngmoUpie3PfRr1w04+r7rJlxaqB64kXXCQZVPpzJtLeyx3
        8sN7/iyMJIbG+pD/aO6AVP+zaoC49cWLpk4eMO2fZADbW+BMxZIsYAm7E1ja7DNr
        7GUVp7wugMs1uKSpHqHAaX9m8B0vozaNLHQiWJmX4OuaMkXKwwLYpw5JBf/A0Mxc
        NJkNY5m4jWzqqke+Dbs6JprqFA05ft7ELzrp6QfJ9wW7VCLPXvkUBrF47hZP3hKU
        YeozHxcj
        -----END CERTIFICATE-----
        """)

    /// A request for a P-384 key.
    static let requestWithP384Key = der(
        """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBBTCBiwIBADAMMQowCAYDVQQDDAF4MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE
        jBco5jTxEfs1pU81aH12U4js1sCEW6xdD3LQqEFlcY77C8Nav3UJkmGs0oYjHCCZ
        iaABprpe30vJh5S8fcegrx2V30GWTowo1BsPsiy85McuwzOE9SLtYwiJHnRVT54s
        oAAwCgYIKoZIzj0EAwIDaQAwZgIxALJeB+tjbt3Z61pHMFycXBYWQBKwCuWPOu8X
        c6yxldjpLEPrHS/OVK3P0umf7OfnigIxAID/lBFpbBDLWW9gg/7AYO/SmO1vssUt
        3C8KdDh3Bt9LfQ+J5T3Mi3cnNmrJx2e52A==
        -----END CERTIFICATE REQUEST-----
        """)

    /// A request for a P-256 key that asks for `spiffe://example.org/admin` and `evil`.
    static let requestForOtherNames = der(
        """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBBTCBrAIBADAMMQowCAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
        QgAEUWPblHa8hWiQ8IsQjki5nKiW7OzJ1TRVJwQr40athd/Nd9T3ms2y9EN2UAwu
        fWRDMvkZuyG2ozwxdfyW11SFwaA+MDwGCSqGSIb3DQEJDjEvMC0wKwYDVR0RBCQw
        IoYac3BpZmZlOi8vZXhhbXBsZS5vcmcvYWRtaW6CBGV2aWwwCgYIKoZIzj0EAwID
        SAAwRQIhANpKHOo96nE0yeCEDQQGcyKE7Nousqw5EiS+yshYSQj8AiBdrtgFcXmC
        dY3ltJQ6QE83wdhotXvzbeSrwR0K1T+SQw==
        -----END CERTIFICATE REQUEST-----
        """)

    /// A request for an Ed25519 key.
    static let requestWithEd25519Key = der(
        """
        -----BEGIN CERTIFICATE REQUEST-----
        MIGMMEACAQAwDTELMAkGA1UEAwwCZWQwKjAFBgMrZXADIQBwkjI7PXnwyGTxodhH
        RugpxHqpuHupmv2Y0tnjZtwmF6AAMAUGAytlcANBAMMkC8PgSUG3ChE7wfJ+5WSg
        D/v44ILimMIO2fidXm+E8kVDjSecEmXHTej1rrQVqJ69V+DCeV84ryU53bVTxQc=
        -----END CERTIFICATE REQUEST-----
        """)
}
