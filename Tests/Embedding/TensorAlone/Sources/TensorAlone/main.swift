import Tensor

let prices = Tensor<Float>([3, 4, 5, 6], shape: [2, 2])
let discounted = prices * Tensor<Float>(0.5)
print("discounted prices \(try discounted.core.scalars(as: Float.self))")
