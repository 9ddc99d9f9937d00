extension WorkloadIdentity {
    /// The leaf's serial number, most significant byte first, without leading zeros.
    public var serialNumber: [UInt8] {
        // The leaf was read when this was made.
        (try? CertificateMarks(der: chain[0]).serialNumber) ?? []
    }
}
