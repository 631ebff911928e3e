import { Transform as NewTransform, TransformOptions } from 'class-transformer';

export { Exclude, Expose, Type } from 'class-transformer';

/** The generated models call `Transform` as class-transformer 0.3.1 has it; 0.5.1 takes one object. */
export function Transform(
    transform: (value: any, obj: any) => any,
    options: TransformOptions,
): PropertyDecorator {
    return NewTransform(({ value, obj }) => transform(value, obj), options);
}
