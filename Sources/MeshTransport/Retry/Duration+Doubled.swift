extension Duration {
    /// This, doubled so many times, but no longer than `limit`; however many they are, nothing overflows.
    func doubled(_ times: Int, upTo limit: Duration) -> Duration {
        var (doubled, left) = (self, times)
        while left > 0, doubled < limit {
            doubled *= 2
            left -= 1
        }
        return min(doubled, limit)
    }
}
