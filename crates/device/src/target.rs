//! A board with limits, and what a graph costs there.

use crate::arena::{HOST, MICROCONTROLLER};
use crate::board::Board;
use crate::core::Kernels;
use crate::flash::{model_bytes, plan_bytes, runtime_bytes};
use crate::latency::{Engine, generated_cycles, tflm_layer_cycles};
use crate::likeness::like;
use crate::plan::{MemoryPlan, improved, replay};
use crate::program::Program;
use crate::quantity::{format_bytes, format_count};
use danas_space::Graph;
use serde::{Deserialize, Serialize};

/// What a candidate may cost at most; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// RAM for the arena, in bytes.
    pub ram_bytes: Option<u64>,
    /// Flash for the model file and the runtime, in bytes.
    pub flash_bytes: Option<u64>,
    /// Duration of one inference, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Multiply-accumulates of one inference.
    pub macs: Option<u64>,
}

impl Limits {
    /// These limits, and where there is none, the other's.
    pub fn or(self, other: Limits) -> Limits {
        Limits {
            ram_bytes: self.ram_bytes.or(other.ram_bytes),
            flash_bytes: self.flash_bytes.or(other.flash_bytes),
            latency_ms: self.latency_ms.or(other.latency_ms),
            macs: self.macs.or(other.macs),
        }
    }
}

/// What one graph costs on a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The smallest tensor arena on the target, in bytes: head and tail, or what planning needs.
    pub arena_bytes: u64,
    /// The head of it: activations, the input's among them, and scratch as planned, in bytes.
    pub head_bytes: u64,
    /// The part of the head that only scratch takes: what lies above all activations, in bytes.
    pub scratch_bytes: u64,
    /// The tail of it: the interpreter's own structures, in bytes.
    pub persistent_bytes: u64,
    /// Predicted size of the model file, in bytes.
    pub model_bytes: u64,
    /// Predicted size of the runtime's code, in bytes.
    pub runtime_bytes: u64,
    /// Model file and runtime, in bytes.
    pub flash_bytes: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Duration of one inference, in milliseconds; plus or minus 30 %.
    pub latency_ms: f64,
    /// The smallest tensor arena in the x86-64 Python wheel of TFLM, the reference runtime, in bytes.
    pub host_arena_bytes: u64,
}

/// Where a model is to run, within which limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    board: Option<Board>,
    limits: Limits,
    assumed: Board,
}

impl Target {
    /// A target. A board limits RAM and flash to what the rest of the application leaves of it
    /// ([`Board::usable_ram_bytes`], [`Board::usable_flash_bytes`]); a limit given here takes the place of the
    /// board's. Without a board, costs are those of [`Board::generic`].
    pub fn new(board: Option<Board>, limits: Limits) -> Self {
        let own = board.as_ref().map(Board::limits).unwrap_or_default();
        let assumed = board.clone().unwrap_or_else(Board::generic);
        Self {
            limits: limits.or(own),
            board,
            assumed,
        }
    }

    /// The board asked for.
    pub fn board(&self) -> Option<&Board> {
        self.board.as_ref()
    }

    /// The board whose core and clock costs are computed with: the one asked for or [`Board::generic`].
    pub fn assumed_board(&self) -> &Board {
        &self.assumed
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What a graph costs here, in a file that carries a memory plan where that pays (see [`Target::plan`]).
    /// Microseconds, where a better plan has to be looked for some tens of them.
    ///
    /// # Panics
    /// If a layer of the graph reads a tensor that does not exist.
    pub fn cost(&self, graph: &Graph) -> Cost {
        let program: Program = graph.into();
        self.cost_with(graph, &program, &self.best_plan(&program))
    }

    /// What the graph of a file costs here; `offsets` is the memory plan that the file carries, an offset per tensor
    /// (`None` leaves it to the runtime), empty for none.
    ///
    /// # Panics
    /// If a layer of the graph reads a tensor that does not exist.
    pub fn cost_of_file(&self, graph: &Graph, offsets: &[Option<u64>]) -> Cost {
        let program: Program = graph.into();
        let plan = self.plan_of_program(&program, offsets);
        self.cost_with(graph, &program, &plan)
    }

    fn cost_with(&self, graph: &Graph, program: &Program, plan: &MemoryPlan) -> Cost {
        let model_bytes = model_bytes(graph) + plan_bytes(program, plan);
        self.needs(program, plan, model_bytes, self.tflm_latency_ms(graph))
    }

    /// What a program costs here whose file has `model_bytes` bytes; `offsets` as for [`Target::cost_of_file`].
    pub fn cost_of_program(
        &self,
        program: &Program,
        offsets: &[Option<u64>],
        model_bytes: u64,
    ) -> Cost {
        let plan = self.plan_of_program(program, offsets);
        let latency_ms = program
            .operations()
            .iter()
            .filter_map(like)
            .map(|(layer, times)| times * self.layer_latency_ms(&layer, 0))
            .sum();
        self.needs(program, &plan, model_bytes, latency_ms)
    }

    fn needs(
        &self,
        program: &Program,
        plan: &MemoryPlan,
        model_bytes: u64,
        latency_ms: f64,
    ) -> Cost {
        let kernels = self.assumed.core.kernels();
        let runtime_bytes = runtime_bytes(program, kernels);
        Cost {
            arena_bytes: MICROCONTROLLER.arena_bytes(program, plan),
            head_bytes: plan.head_bytes,
            scratch_bytes: plan.scratch_bytes(),
            persistent_bytes: MICROCONTROLLER.tail_bytes(program),
            model_bytes,
            runtime_bytes,
            flash_bytes: model_bytes + runtime_bytes,
            macs: program.macs(),
            latency_ms,
            host_arena_bytes: if kernels.need_scratch() {
                host_arena_of(program, &plan.carried_offsets())
            } else {
                HOST.arena_bytes(program, plan) // the same plan as the host's
            },
        }
    }

    /// The head of the arena here, scratch included: as the runtime plans it, or where that makes the arena smaller,
    /// as a better plan that the file carries.
    ///
    /// # Panics
    /// If a layer of the graph reads a tensor that does not exist.
    pub fn plan(&self, graph: &Graph) -> MemoryPlan {
        self.best_plan(&graph.into())
    }

    fn best_plan(&self, program: &Program) -> MemoryPlan {
        let greedy = replay(program, self.assumed.core.kernels(), &[]);
        if greedy.head_bytes <= MICROCONTROLLER.loading_bytes(program, &greedy) {
            return greedy; // no smaller head makes the arena smaller
        }
        improved(greedy)
    }

    /// The head of the arena here for the graph of a file, scratch included; `offsets` as for
    /// [`Target::cost_of_file`].
    ///
    /// # Panics
    /// If a layer of the graph reads a tensor that does not exist.
    pub fn plan_of_file(&self, graph: &Graph, offsets: &[Option<u64>]) -> MemoryPlan {
        self.plan_of_program(&graph.into(), offsets)
    }

    /// The head of the arena here for a program, scratch included; `offsets` as for [`Target::cost_of_file`].
    pub fn plan_of_program(&self, program: &Program, offsets: &[Option<u64>]) -> MemoryPlan {
        replay(program, self.assumed.core.kernels(), offsets)
    }

    /// Duration of one inference with an engine, in milliseconds; `None` for generated C on a core whose instructions
    /// were not counted.
    ///
    /// # Panics
    /// If a layer of the graph reads a tensor that does not exist.
    pub fn latency_ms(&self, graph: &Graph, engine: Engine) -> Option<f64> {
        match engine {
            Engine::Tflm => Some(self.tflm_latency_ms(graph)),
            Engine::GeneratedC => {
                generated_cycles(graph, self.assumed.core).map(|cycles| self.milliseconds(cycles))
            }
        }
    }

    fn tflm_latency_ms(&self, graph: &Graph) -> f64 {
        let layers = 0..graph.layers.len();
        layers
            .map(|index| self.layer_latency_ms(graph, index))
            .sum()
    }

    /// The part of layer `index` in the duration with [`Engine::Tflm`], in milliseconds.
    ///
    /// # Panics
    /// If the graph has no such layer.
    pub fn layer_latency_ms(&self, graph: &Graph, index: usize) -> f64 {
        self.milliseconds(tflm_layer_cycles(graph, index, self.assumed.core))
    }

    fn milliseconds(&self, cycles: f64) -> f64 {
        cycles / (self.assumed.mhz * 1e3)
    }

    /// The limits that a cost breaks.
    pub fn excesses(&self, cost: &Cost) -> Vec<Excess> {
        self.demands(cost)
            .into_iter()
            .flatten()
            .filter(|e| e.needed > e.allowed)
            .collect()
    }

    /// How far a cost is over the limits: the sum of the excesses, each relative to its limit; 0 if feasible.
    pub fn violation(&self, cost: &Cost) -> f64 {
        self.demands(cost)
            .into_iter()
            .flatten()
            .map(|demand| demand.relative())
            .sum()
    }

    /// What is needed beside what is allowed, for every limit there is.
    fn demands(&self, cost: &Cost) -> [Option<Excess>; 4] {
        let demand = |resource, needed: f64, allowed: Option<f64>| {
            allowed.map(|allowed| Excess {
                resource,
                needed,
                allowed,
            })
        };
        let bytes = |limit: Option<u64>| limit.map(|limit| limit as f64);
        [
            demand(
                Resource::Ram,
                cost.arena_bytes as f64,
                bytes(self.limits.ram_bytes),
            ),
            demand(
                Resource::Flash,
                cost.flash_bytes as f64,
                bytes(self.limits.flash_bytes),
            ),
            demand(Resource::Latency, cost.latency_ms, self.limits.latency_ms),
            demand(Resource::Macs, cost.macs as f64, bytes(self.limits.macs)),
        ]
    }
}

/// The smallest arena that the graph of a file loads and runs with in the x86-64 Python wheel of TFLM (reference
/// kernels), in bytes; `offsets` as for [`Target::cost_of_file`].
///
/// # Panics
/// If a layer of the graph reads a tensor that does not exist.
pub fn host_arena_bytes(graph: &Graph, offsets: &[Option<u64>]) -> u64 {
    host_arena_of(&graph.into(), offsets)
}

fn host_arena_of(program: &Program, offsets: &[Option<u64>]) -> u64 {
    HOST.arena_bytes(program, &replay(program, Kernels::Reference, offsets))
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Arena, in bytes.
    Ram,
    /// Model file and runtime, in bytes.
    Flash,
    /// One inference, in milliseconds.
    Latency,
    /// Multiply-accumulates of one inference.
    Macs,
}

/// A limit and what would be needed; it displays as `RAM: 300 KiB needed, 224 KiB allowed`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Excess {
    /// What the limit is about.
    pub resource: Resource,
    /// What the graph needs, in the resource's unit.
    pub needed: f64,
    /// What the limit is, in the resource's unit.
    pub allowed: f64,
}

impl Excess {
    /// How much too much is needed, relative to the limit (to 1 where the limit is 0); 0 if it is kept.
    pub fn relative(&self) -> f64 {
        let unit = if self.allowed > 0.0 {
            self.allowed
        } else {
            1.0
        };
        ((self.needed - self.allowed) / unit).max(0.0)
    }
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, write): (&str, fn(f64) -> String) = match self.resource {
            Resource::Ram => ("RAM", |v| format_bytes(v as u64)),
            Resource::Flash => ("flash", |v| format_bytes(v as u64)),
            Resource::Latency => ("latency", |v| format!("{v:.1} ms")),
            Resource::Macs => ("MACs", |v| format_count(v as u64)),
        };
        let (needed, allowed) = (write(self.needed), write(self.allowed));
        write!(f, "{name}: {needed} needed, {allowed} allowed")
    }
}
