/// A request and its answer, as an access log tells of them.
///
/// What has no value is nil: a mesh call has no user agent, a plain HTTP request may have no trace.
public struct AccessRecord: Sendable, Hashable {
    /// When the request came, in nanoseconds since 1970.
    public var unixNanoseconds: Int64
    /// Where it came from, such as `10.0.0.1:40100`.
    public var peerAddress: String?
    /// The SPIFFE ID that its sender has proved.
    public var peer: String?
    /// HTTP's method, such as `POST`.
    public var httpMethod: String
    /// What was asked for, such as `/shop.Scoring/Score`.
    public var path: String
    /// Such as `HTTP/2.0` or `meshwork/1`.
    public var version: String
    /// HTTP's status.
    public var httpStatus: Int
    /// What it came to under the name that the mesh gives it, such as `ok` or `deadlineExceeded`.
    public var status: String?
    /// The bytes of the request's body.
    public var requestBytes: Int64
    /// The bytes of the response's body.
    public var responseBytes: Int64
    /// From the request's first byte to the response's last, in nanoseconds.
    public var nanoseconds: Int64
    /// Who the request says that it is from.
    public var userAgent: String?
    /// Where the request says that it was found.
    public var referrer: String?
    /// Its trace.
    public var traceID: TraceID?
    /// The name of the policy that let it in or kept it out.
    public var policy: String?

    /// A request and its answer; what is not given has no value.
    public init(
        unixNanoseconds: Int64, peerAddress: String? = nil, peer: String? = nil, httpMethod: String, path: String,
        version: String, httpStatus: Int, status: String? = nil, requestBytes: Int64 = 0, responseBytes: Int64 = 0,
        nanoseconds: Int64, userAgent: String? = nil, referrer: String? = nil, traceID: TraceID? = nil,
        policy: String? = nil
    ) {
        self.unixNanoseconds = unixNanoseconds
        self.peerAddress = peerAddress
        self.peer = peer
        self.httpMethod = httpMethod
        self.path = path
        self.version = version
        self.httpStatus = httpStatus
        self.status = status
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
        self.nanoseconds = nanoseconds
        self.userAgent = userAgent
        self.referrer = referrer
        self.traceID = traceID
        self.policy = policy
    }
}
