"""What the twins do not share: file -> names, and why.

A name stands here if one twin alone has it, or if its signature or its words differ;
``*`` stands for a whole file. What no longer differs has no place here.
"""

EXCEPTIONS = {
    "_host.py": {
        # torch refuses its own softmax where it is rounded
        "one_hot_of",
        # a plate of Pyro may be given its subsample
        "is_given_subsample",
        # JAX sees through its own transformations
        "unwrapped",
        # NumPyro's optimizers have no state that waits for a step
        "waiting_states",
        # Pyro's tensors tell what they depend on
        "eval_provenance",
        # Pyro has no cond, and no scan
        "is_cond",
        "parts_of_scan",
        # an intervention cuts the site off in Pyro, and is passed by in NumPyro
        "is_given",
    },
    "__init__.py": {
        # Pyro has it
        "OneHotCategorical",
        "RelaxedOneHotCategorical",
        "RelaxedOneHotCategoricalStraightThrough",
    },
    "_numerics/bulk_terms.py": {
        # PyTorch can write to arrays that are at hand
        "in_shape",
        "terms_below",
        "terms_inside",
    },
    "_numerics/largest.py": {
        # JAX's own one_hot goes under every transformation
        "is_at",
    },
    "_numerics/low_rank.py": {
        # jax.lax.stop_gradient takes trees
        "DiagonalPlusLowRank.detach",
    },
    "_numerics/normal.py": {
        # PyTorch vectorizes its log1p
        "log_of_rest",
        # JAX adds the gradients of several outputs itself
        "pulled_back",
    },
    "_numerics/precision.py": {
        # JAX may be told to refuse an implicit promotion of dtypes
        "at_least_single",
    },
    "_numerics/quantiles.py": {
        # PyTorch compiles nothing, and takes one rule or the other
        "nodes_of_few",
    },
    "_numerics/running_sums.py": {
        # PyTorch's cumulative sums are fast
        "*",
    },
    "_numerics/shapes.py": {
        # PyTorch's own is slow
        "broadcast_shapes",
    },
    "_numerics/tensors.py": {
        # PyTorch's tensors are on devices, one of which is the default
        "*",
    },
    "discrete/_rules.py": {
        # PyTorch compiles nothing, and takes one rule or the other
        "are_few",
        "panels_of_few",
        "rank_of",
    },
    "discrete/argmax.py": {
        # PyTorch compiles nothing, and takes one rule or the other
        "integrand_of_few",
    },
    "distributions/__init__.py": {
        # Pyro has it
        "OneHotCategorical",
        "RelaxedOneHotCategorical",
        "RelaxedOneHotCategoricalStraightThrough",
    },
    "distributions/_compiled.py": {
        # PyTorch compiles nothing
        "*",
    },
    "distributions/_counts.py": {
        # NumPyro traces the parameters that are trained
        "check_concrete",
    },
    "distributions/_family.py": {
        # what NumPyro asks for the arguments that it checks
        "Family.get_args",
    },
    "distributions/_one_hot_vectors.py": {
        # Pyro has one-hot vectors of its own
        "*",
    },
    "distributions/_one_hot_with_gradient.py": {
        # NumPyro hands over what a map computed on its way
        "OneHotWithGradient.log_prob",
        # torch's own one_hot does not go under vmap of grad
        "OneHotWithGradient.sample",
    },
    "distributions/_parameters.py": {
        # NumPyro checks by operations of jax
        "args_to_check",
        # torch takes a scalar as a plain number
        "to_float",
    },
    "distributions/_pushforward.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "GaussianPushforward.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "GaussianPushforward.rsample",
        "GaussianPushforward.sample",
        "GaussianPushforward.sample_with_intermediates",
        # NumPyro hands over what a map computed on its way
        "GaussianPushforward.log_prob",
        # a pytree has parameters alone as leaves
        "GaussianPushforward.gather_pytree_data_fields",
        "GaussianPushforward.gather_pytree_aux_fields",
        "GaussianPushforward.base_dist",
        "GaussianPushforward.transforms",
    },
    "distributions/_stick_logit.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "StickLogit.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "StickLogit.rsample",
        "StickLogit.sample",
        # NumPyro hands over what a map computed on its way
        "StickLogit.log_prob",
    },
    "distributions/_truncated.py": {
        # NumPyro draws from a key, torch from its own chance and with gradients
        "Truncated.rsample",
        "Truncated.sample",
        # NumPyro hands over what a map computed on its way
        "Truncated.log_prob",
    },
    "distributions/expected_one_hot.py": {
        # NumPyro draws from a key, torch from its own chance and with gradients
        "ExpectedOneHotCategorical.rsample",
        "ExpectedOneHotCategorical.sample",
        # NumPyro hands over what a map computed on its way
        "ExpectedOneHotCategorical.log_prob",
        # Pyro takes numbers for tensors, its host does not; NumPyro has its own
        "ExpectedOneHotCategorical.__init__",
        "ExpectedOneHotCategorical.expand",
    },
    "distributions/flow.py": {
        # a pytree has parameters alone as leaves
        "IGRFlow.gather_pytree_data_fields",
    },
    "distributions/gem.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "GEM.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "GEM.rsample",
        "GEM.sample",
        # NumPyro hands over what a map computed on its way
        "GEM.log_prob",
    },
    "distributions/gumbel_softmax.py": {
        # Pyro has Gumbel-softmax of its own
        "*",
    },
    "distributions/igr.py": {
        # NumPyro draws from a key, torch from its own chance and with gradients
        "IGRStraightThrough.rsample",
        "IGRStraightThrough.sample",
    },
    "distributions/infinite.py": {
        # a pytree has parameters alone as leaves
        "InfiniteIGR.gather_pytree_data_fields",
    },
    "distributions/one_hot.py": {
        # Pyro has one-hot vectors of its own
        "*",
    },
    "distributions/rao_blackwell.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "RaoBlackwellized.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "RaoBlackwellized.rsample",
        "RaoBlackwellized.sample",
    },
    "distributions/reinmax.py": {
        # NumPyro expands by its shape, torch fills what it is given
        "OneHotCategoricalReinMax.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "OneHotCategoricalReinMax.rsample",
        "OneHotCategoricalReinMax.sample",
    },
    "distributions/relaxed_one_hot.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "ExpRelaxedOneHotCategorical.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "ExpRelaxedOneHotCategorical.rsample",
        "ExpRelaxedOneHotCategorical.sample",
        # NumPyro hands over what a map computed on its way
        "ExpRelaxedOneHotCategorical.log_prob",
        # what NumPyro asks for the arguments that it checks
        "ExpRelaxedOneHotCategorical.get_args",
    },
    "handlers/_cond.py": {
        # Pyro has no cond, and no scan
        "*",
    },
    "handlers/_log_odds.py": {
        # Pyro sends a message by its type, to private methods
        "LogOddsMessenger.process_message",
        "LogOddsMessenger.postprocess_message",
    },
    "handlers/_module_programs.py": {
        # Pyro's models may be modules
        "*",
    },
    "handlers/discretizing.py": {
        # Pyro sends a message by its type, to private methods
        "DiscretizeMessenger.process_message",
    },
    "handlers/_same_size.py": {
        # Pyro sends a message by its type, to private methods
        "SameSizeMessenger.process_message",
    },
    "handlers/reparam.py": {
        # Pyro's reparameterizer is not called
        "IGRReparam.apply",
    },
    "infer/_data_plates.py": {
        # frames of NumPyro lack the size of the whole plate
        "check_whole",
    },
    "infer/_free_scale.py": {
        # what depends on parameters is traced in NumPyro, and known in Pyro
        "warn_of_free_scale",
    },
    "infer/_guided_latents.py": {
        # Pyro sends a message by its type, to private methods
        "GuidedMessenger.process_message",
    },
    "infer/_one_sample.py": {
        # NumPyro takes samples by vmap, Pyro in a dimension
        "*",
    },
    "infer/_mixing.py": {
        # NumPyro takes samples by vmap, Pyro in a dimension
        "*",
    },
    "infer/_plates.py": {
        # NumPyro takes samples by vmap, Pyro in a dimension
        "dependent_plates",
        "dependents",
        "check_particles",
        "check_nesting",
        # a plate of Pyro may be without a size, or be given its subsample
        "check_sizes",
        "check_subsamples",
    },
    "infer/_delta_density.py": {
        # NumPyro's KL counts the density of a Delta
        "*",
    },
    "infer/_discrete_site.py": {
        # Pyro sends a message by its type, to private methods
        "DiscreteSiteMessenger.process_message",
    },
    "infer/_relaxed_sample.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "CountedByDensity.expand",
        # NumPyro draws from a key, torch from its own chance and with gradients
        "CountedByDensity.rsample",
        "CountedByDensity.sample",
        # NumPyro hands over what a map computed on its way
        "CountedByDensity.log_prob",
        # Pyro sends a message by its type, to private methods
        "RelaxedSampleMessenger.process_message",
        "RelaxedSampleMessenger.postprocess_message",
    },
    "infer/autoguide/_followed_sites.py": {
        # Pyro's tensors tell what they depend on
        "is_followed",
        # Pyro exposes sites by name, NumPyro would hide parameters and plates
        "is_hidden",
    },
    "infer/autoguide/_following.py": {
        # Pyro sends a message by its type, to private methods
        "FollowingMessenger.process_message",
        "FollowingMessenger.postprocess_message",
    },
    "infer/autoguide/_improper_sites.py": {
        # Pyro sends a message by its type, to private methods
        "StartMessenger.process_message",
    },
    "infer/autoguide/_kept_model.py": {
        # NumPyro's guides keep their models when they are copied
        "*",
    },
    "infer/autoguide/_part_list.py": {
        # a guide is a function of parameters in NumPyro
        "PartList.sample_posterior",
    },
    "infer/autoguide/_site_guide.py": {
        # a guide is a module in Pyro
        "SiteGuide.forward",
        # a guide is a function of parameters in NumPyro
        "SiteGuide.sample_posterior",
    },
    "infer/autoguide/_sizes.py": {
        # a frame of Pyro knows the full size of its plate
        "checked_plates",
        "full_size",
        "plate_sizes",
    },
    "infer/autoguide/_supports.py": {
        # NumPyro asks for the number of counts where their parameters are traced
        "check_categories",
    },
    "infer/autoguide/_trained_options.py": {
        # Pyro's tensors tell what they depend on
        "*",
    },
    "infer/autoguide/auto_igr.py": {
        # a guide is a module in Pyro
        "AutoIGR.forward",
    },
    "infer/discrete_iwae/_bound.py": {
        # dimensions of samples tell what depends on them in Pyro
        "terms_of",
    },
    "infer/discrete_iwae/_dreg.py": {
        # a hook scales a gradient in Pyro, a custom derivative in NumPyro
        "scale_paths",
        "Paths",
        "factor_of",
        "scale_gradient",
    },
    "infer/discrete_iwae/_draws.py": {
        # samples are a dimension in Pyro, and a vmap over keys in NumPyro
        "DrawMessenger.__init__",
        # Pyro sends a message by its type, to private methods
        "DrawMessenger.process_message",
    },
    "infer/discrete_iwae/_linear_sites.py": {
        # NumPyro wraps what it expands, torch asks the distribution
        "CountedLinearly.expand",
        # NumPyro hands over what a map computed on its way
        "CountedLinearly.log_prob",
        # a hook scales a gradient in Pyro, a custom derivative in NumPyro
        "CountedLinearly",
        "CountedLinearly.__init__",
        "CountedLinearly.sample",
        "LinearSiteMessenger",
        "LinearSiteMessenger.__init__",
        "count_linearly",
    },
    "infer/discrete_iwae/_structure.py": {
        # dimensions of samples tell what depends on them in Pyro
        "*",
    },
    "infer/discrete_iwae/elbo.py": {
        # NumPyro hands over a key and parameters, under its own names
        "TraceDiscreteIWAE_ELBO.loss",
    },
    "infer/discrete_kl/elbo.py": {
        # what NumPyro's SVI calls
        "TraceDiscreteKL_ELBO.loss_with_mutable_state",
    },
    "infer/enumerated.py": {
        # NumPyro hands over a key and parameters, under its own names
        "TraceEnumeratedDiscrete_ELBO.loss",
    },
    "infer/relax_elbo/_control_variate.py": {
        # parameters are stated before they are differentiated
        "ControlVariate.declare",
    },
    "infer/relax_elbo/_noisy_site.py": {
        # NumPyro hands over what a map computed on its way
        "LinearOneHot.log_prob",
        # Pyro sends a message by its type, to private methods
        "NoisySiteMessenger.process_message",
        "NoisySiteMessenger.postprocess_message",
        # parameters are stated before they are differentiated
        "discrete_sites",
    },
    "infer/relax_elbo/_slopes.py": {
        # in Pyro the derivatives of a loss are those of its surrogate
        "with_gradient",
    },
    "infer/relax_elbo/elbo.py": {
        # NumPyro hands over a key and parameters, under its own names
        "TraceRELAX_ELBO.loss",
        # what Pyro's SVI calls
        "TraceRELAX_ELBO.loss_and_grads",
        "TraceRELAX_ELBO.differentiable_loss",
        # parameters are stated before they are differentiated
        "TraceRELAX_ELBO.with_parameters",
    },
    "infer/stl/elbo.py": {
        # what NumPyro's SVI calls
        "TraceSTL_ELBO.loss_with_mutable_state",
    },
    "infer/unordered_set/_draws.py": {
        # samples are a dimension in Pyro, and a vmap over keys in NumPyro
        "DrawMessenger.__init__",
        # Pyro sends a message by its type, to private methods
        "DrawMessenger.process_message",
    },
    "infer/unordered_set/_terms.py": {
        # samples are a dimension in Pyro, and a vmap over keys in NumPyro
        "with_noise",
        "draw",
        "evaluate",
        "dependents",
    },
    "infer/unordered_set/elbo.py": {
        # NumPyro hands over a key and parameters, under its own names
        "TraceUnorderedSet_ELBO.loss",
    },
    "transforms/_image.py": {
        # torch asks a constraint by a method, NumPyro calls it
        "image.check",
        # a map is a pytree, and compared as one
        "image.feasible_like",
        "image.tree_flatten",
        "image.eq",
    },
    "transforms/flow.py": {
        # a map is a pytree, and compared as one
        "FlowSoftmaxPlusPlusTransform.tree_flatten",
        "FlowSoftmaxPlusPlusTransform.eq",
    },
    "transforms/planar.py": {
        # NumPyro hands over what a map computed on its way
        "PlanarTransform.log_abs_det_jacobian",
        # torch keeps what a map has computed
        "PlanarTransform.with_cache",
        # a map is a pytree, and compared as one
        "PlanarTransform.tree_flatten",
        "PlanarTransform.eq",
    },
    "transforms/simplex.py": {
        # NumPyro hands over what a map computed on its way
        "SimplexTransform.log_abs_det_jacobian",
        # torch keeps what a map has computed
        "SimplexTransform.with_cache",
        # in torch it takes the dtype and device of what it meets
        "column",
        # a map is a pytree, and compared as one
        "SimplexTransform.tree_flatten",
        "SimplexTransform.eq",
    },
    "transforms/stick_breaking.py": {
        # a map is a pytree, and compared as one
        "StickBreakingTransform.tree_flatten",
        "StickBreakingTransform.eq",
    },
}
