import Testing

@testable import Telemetry

@Suite struct OpenFamilyTests {
    @Test("users from many threads get the same series, and the last of them takes it away")
    func users() async throws {
        let registry = MetricsRegistry()
        let family = try #require(registry.open("jobs", .counter))
        func use() async {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<500 {
                            let series = family.series([("k", "v")])
                            series.increment(by: Int64(1))
                            family.release(series)
                        }
                    }
                }
            }
        }
        await use()
        #expect(family.allSeries().isEmpty)
        let held = family.series([("k", "v")])
        await use()
        #expect(family.allSeries().count == 1)
        #expect(String(decoding: PrometheusText.render(registry), as: UTF8.self).contains("jobs_total{k=\"v\"} 4000\n"))
        family.release(held)
        #expect(family.allSeries().isEmpty)
    }

    @Test("there are no more families of a host's own than may be, and one that gave way has left room")
    func bounded() {
        let registry = MetricsRegistry()
        for number in 0..<MetricsRegistry.maximumOpenFamilies {
            #expect(registry.open("family_\(number)", .gauge) != nil)
        }
        #expect(registry.open("one_more", .gauge) == nil)
        #expect(registry.open("family_7", .gauge) != nil)
        _ = registry.gauge("family_7", help: "")
        #expect(registry.open("one_more", .gauge) != nil)
        #expect(registry.open("family_7", .gauge) == nil)
    }

    @Test("what was counted since an earlier snapshot is the difference, bucket by bucket")
    func since() {
        let histogram = LatencyHistogram()
        for _ in 0..<100 { histogram.record(nanoseconds: 1_000) }
        histogram.record(.seconds(10_000))
        let before = histogram.snapshot()
        for _ in 0..<10 { histogram.record(nanoseconds: 1_000_000) }
        let news = histogram.snapshot().since(before)
        let alone = LatencyHistogram()
        for _ in 0..<10 { alone.record(nanoseconds: 1_000_000) }
        #expect(news.count == 10 && news.sum == alone.snapshot().sum)
        #expect(news.quantile(0.5) == alone.snapshot().quantile(0.5))
        #expect(before.since(before).count == 0 && before.since(before).quantile(0.5) == nil)
    }
}
