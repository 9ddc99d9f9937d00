import Identity

extension PeerVerifier {
    /// One that remembers nothing, for chains that are verified once.
    convenience init(verifyingOnce: Void) throws(IdentityError) {
        var configuration = PeerVerifierConfiguration()
        configuration.cacheCapacity = 0
        try self.init(configuration: configuration)
    }
}
