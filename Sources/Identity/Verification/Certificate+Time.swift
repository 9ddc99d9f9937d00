import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Certificate {
    /// `notBefore` in whole seconds.
    var validFrom: UnixTime { UnixTime(notValidBefore) }
    /// `notAfter` in whole seconds; the certificate is valid through this second.
    var validThrough: UnixTime { UnixTime(notValidAfter) }
}

extension UnixTime {
    /// A certificate's time: X.509 writes whole seconds of the years 1 to 9999, so the conversion is exact.
    fileprivate init(_ date: Date) {
        self.init(seconds: Int64(date.timeIntervalSince1970.rounded()))
    }

    /// The date that the library writes into a certificate.
    var date: Date {
        Date(timeIntervalSince1970: Double(seconds))
    }
}
