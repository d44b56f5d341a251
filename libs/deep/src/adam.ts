/** Adam on plain arrays. Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", 2015. */
export interface Adam {
  /** Moves the parameters against `gradients`, which stand in the same order, and clears these. */
  step(gradients: readonly Float64Array[]): void
}

const meanDecay = 0.9
const squareDecay = 0.999
const epsilon = 1e-7

export function createAdam(parameters: readonly Float64Array[], learningRate: number): Adam {
  const means = parameters.map(({ length }) => new Float64Array(length))
  const squares = parameters.map(({ length }) => new Float64Array(length))
  let steps = 0
  return {
    step: (gradients) => {
      steps++
      const rate = learningRate / (1 - meanDecay ** steps)
      const squareShare = 1 / (1 - squareDecay ** steps)
      for (const [k, parameter] of parameters.entries()) {
        update(parameter, gradients[k]!, means[k]!, squares[k]!, rate, squareShare)
        gradients[k]!.fill(0)
      }
    },
  }
}

function update(
  parameter: Float64Array,
  gradient: Float64Array,
  mean: Float64Array,
  square: Float64Array,
  rate: number,
  squareShare: number,
): void {
  for (let i = 0; i < parameter.length; i++) {
    const slope = gradient[i]!
    mean[i] = mean[i]! + (1 - meanDecay) * (slope - mean[i]!)
    square[i] = square[i]! + (1 - squareDecay) * (slope * slope - square[i]!)
    parameter[i] = parameter[i]! - (rate * mean[i]!) / (Math.sqrt(square[i]! * squareShare) + epsilon)
  }
}
