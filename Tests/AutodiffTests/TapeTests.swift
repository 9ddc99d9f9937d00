import Autodiff
import Tensor
import Testing

@Suite("Tape")
struct TapeTests {
    @Test("a sequence of 50,000 operations is walked back without recursion")
    func deep() {
        let x = Tensor<Float>(1)
        let result = valueAndGradient(at: x) { x in
            var y = x
            for _ in 0..<50_000 { y = y + 0 }
            return y
        }
        #expect(result.gradient.scalar == 1)
    }

    @Test("a tracked value is used by the task that tracks it only: another traps and says so")
    func otherTask() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = valueAndGradient(at: Tensor<Float>(1)) { x in
                // The thread ends while the closure waits: no task may do this, and the tape has to notice.
                let other = OtherThread { _ = x + x }
                other.join()
                return x
            }
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("used by another task"), "\(text)")
    }

    @Test("a value that outlives its gradient can be read, but not computed with until its trace is taken off")
    func outlives() throws {
        var kept: AnyTensor?
        _ = valueAndGradient(at: Tensor<Float>([1, 2])) { x in
            let y = x * x
            kept = y.core
            return y.sum()
        }
        let value = try #require(kept)
        #expect(try value.scalars(as: Float.self) == [1, 4])
        let error = #expect(throws: TensorError.self) { try value + value }
        #expect(error?.code == .traceEnded)
        #expect(error?.message.contains("withoutTrace()") == true)
        #expect(try (value.withoutTrace() + value.withoutTrace()).scalars(as: Float.self) == [2, 8])
    }

    @Test("what a tape holds is released with it")
    func released() async {
        await #expect(processExitsWith: .success) {
            let x = Tensor<Float>(repeating: 1, shape: [1_000])
            func step() -> Float { valueAndGradient(at: x) { x in (x * x).exp().sum() }.value.scalar }
            let first = step()
            let before = StorageStatistics.current.liveBytes
            for _ in 0..<100 { precondition(step() == first) }
            precondition(StorageStatistics.current.liveBytes == before)
        }
    }

    @Test("a tape runs over abstract values: the shapes of a training step, without any")
    func abstract() throws {
        let parameters = try NamedTensors([
            ("weight", .abstract(shape: [784, 10], dtype: .float32)), ("bias", .abstract(shape: [10], dtype: .float32)),
        ])
        let images = AnyTensor.abstract(shape: [128, 784], dtype: .float32)
        let labels = AnyTensor.abstract(shape: [128], dtype: .int32)
        let (loss, gradient) = try valueAndGradient(at: parameters) { p in
            let logits = try images.matmul(p.tensor(named: "weight")) + p.tensor(named: "bias")
            return try Tensor(logits.crossEntropy(labels: labels).mean())
        }
        #expect(loss.core.isAbstract)
        #expect(gradient.map(\.tensor.shape) == [[784, 10], [10]])
        #expect(gradient.allSatisfy { $0.tensor.isAbstract })
    }

    @Test("a primitive whose derivative is pending is an error that names it, for a tracked value only")
    func pending() throws {
        let twice = Primitive(
            id: 0, name: "twice",
            .unary(rule: { type, _ throws(TensorError) in type }, kernel: { x, _, _ throws(TensorError) in try x + x }),
            derivative: .derivativePending)
        var constant = try AnyTensor.scalar(Float(2))
        #expect(try twice.apply(&constant).scalars(as: Float.self) == [4])
        let error = #expect(throws: TensorError.self) {
            try valueAndGradient(at: Tensor(1)) { x in
                var x = x.core
                return try Tensor(twice.apply(&x))
            }
        }
        #expect(error?.code == .derivativePending)
        #expect(error?.message.contains("twice") == true)
    }

    @Test("what is not differentiable is a constant to the tape")
    func constants() {
        let x: Tensor<Float> = [3, -1, 2]
        let result = valueAndGradient(at: x) { x in
            (x .> 0).select(x, 0).sum() + x.argmax().cast(to: Float.self) + (x .> 1).cast(to: Float.self).sum()
        }
        #expect(result.value.scalar == 5 + 0 + 2)
        #expect(result.gradient.scalars == [1, 0, 1])
    }
}
