public import MeshTransport
import MeshWire

/// What a control server answers, for policies that name its method.
///
/// A subscriber says which version it goes by; the server sends a newer one when there is one; the subscriber says that
/// it goes by that now, or why it does not. There is never more than one version on its way to a subscriber: when it
/// has answered, it gets the newest, whatever there was between.
public enum ControlService: MeshService {
    /// `meshwork.Control`.
    public static let name: ServiceName = "meshwork.Control"

    static let follow = bidirectional("Follow", SubscriberState.self, ConfigurationPush.self)
}
